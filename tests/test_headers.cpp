// Owns the precompiled headers of the sanitized tests (tests/CMakeLists.txt).
