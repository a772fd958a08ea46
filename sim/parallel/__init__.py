"""Independent tasks in parallel, by processes of this machine or a cluster, and the warnings of these processes."""
