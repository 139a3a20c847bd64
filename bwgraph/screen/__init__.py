"""The picture, pure: what a view of some tors looks like as a frame of text."""
