"""Sets of images or clips within a budget: what pyalloc is made of."""
