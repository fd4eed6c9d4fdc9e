"""What segmenting an image gives, as arrays, pictures and records."""
