"""The watch: after a flip, does the new generation serve as well as the one before?"""
