"""An HTTP server that segments images, for many users at a time: what ``ppms serve`` runs."""
