"""Results of a segmentation: data, pictures, records and image files."""
