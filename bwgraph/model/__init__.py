"""The data, without input or output: samples, histories, totals and states of tors."""
