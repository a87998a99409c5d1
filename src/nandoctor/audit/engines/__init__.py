"""Who reads the parts of a source: the threads of one machine, or a cluster. Each gives the same profile."""
