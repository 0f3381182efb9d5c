"""Tuning: which configuration makes the best encoder of these data?"""
