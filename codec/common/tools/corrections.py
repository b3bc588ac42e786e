"""What tools have in common whose nets make corrections of samples."""

# weights of corrections are in quarters, by scale_idx
WEIGHTS = (4, 3, 2, 1)
LOG2_FULL_WEIGHT = 2
SCALES = len(WEIGHTS)
# the side of a tile in luma samples: what bounds the memory; results do not depend on it
TILE = 512
