"""Lesson 20: two-sample statistics, their null laws, stream detectors and performance without labels."""
