"""Work shared out among processes of this machine or a cluster, and what it warns of."""
