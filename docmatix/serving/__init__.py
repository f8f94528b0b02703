"""Model servers: asking them (`client`), and running a small one inside the build (`llamacpp`)."""
