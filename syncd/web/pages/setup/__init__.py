"""The wizard: one decision a page, left and taken up again at any time. What is done is read from what there is."""
