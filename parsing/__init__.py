"""Who is in this image, wearing what?"""

import os

# NumPy's threads spin for a while after their work, in the way of PyTorch's and of our own: a photograph took a third
# longer. NumPy heeds this if it is loaded later, as in our commands.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
