"""Layouts of folders of pictures: which level names the domain, the class and the split."""
