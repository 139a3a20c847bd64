"""The data, pure: samples, histories, totals and states of tors."""
