"""What the stage shells share: the job, fingerprints, stored replies, concurrency."""
