"""From a diagnosis to treatments that are proven: what could be changed, tried on the fault itself, and judged."""
