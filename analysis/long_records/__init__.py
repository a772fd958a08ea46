"""Records of any length: filtered, judged and looked back upon piece by piece, one piece in memory at a time."""
