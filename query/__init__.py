"""What does this sentence ask, and who fits?"""
