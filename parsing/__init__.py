"""Who is in this image, wearing what?"""
