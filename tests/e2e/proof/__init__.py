"""What the proof in a cluster is made of. Nothing in here knows which proof uses it, but `faults/`, which holds the faults."""
