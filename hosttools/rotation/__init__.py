"""`loanstack-rotation`: takes one service of this host out of rotation and back, and judges it in between."""
