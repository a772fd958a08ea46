"""Files of records: text in many dialects, netCDF, HDF5, and arrays of NumPy and MATLAB."""
