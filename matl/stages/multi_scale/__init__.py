"""The parts of the multi-scale loss on lung CT: pooling, queue and the three terms."""
