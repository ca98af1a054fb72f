"""What every layer may use: specs, errors, random streams, digests, histories."""
