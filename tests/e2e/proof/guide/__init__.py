"""The guide "BackendTLS", in the order in which it is read: installation, a backend inside, one outside, and taking it all away."""
