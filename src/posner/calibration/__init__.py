"""Scores that mean what they say: a temperature and thresholds, fitted on labelled documents.

A span's score is a probability, and is calibrated when of the spans with a score near p a share
near p is right. Training alone leaves networks too sure of themselves (Guo et al. 2017).
"""
