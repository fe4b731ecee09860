"""`conclave bench NAME`: what the machinery costs, as ratios against a reference measured in the same run."""
