"""What a hover says beyond the analysis of one file."""
