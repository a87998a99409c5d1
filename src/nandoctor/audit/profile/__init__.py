"""What is known of data after one pass. Every type here is a monoid: `a + b` is what one pass over both gives."""
