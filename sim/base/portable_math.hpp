#pragma once

/// Elementary functions whose results are the same bits on every IEEE-754 machine and C library.
///
/// std::log, std::exp and std::pow differ in the last bit between libraries, and glibc picks among
/// variants by CPU at run time; one such bit moves an event and, in time, a whole run. These use
/// only + - * / and bit operations in round-to-nearest, in a fixed order, so any conforming
/// compiler agrees, given -ffp-contract=off and no -ffast-math.
///
/// Relative errors are below 3e-16, and 5e-16 for ln1p and expm1, wherever the result is a normal
/// number. A call costs 5 to 30 ns.
namespace terrace::portable {

/// Natural logarithm. ln(1) is exactly 0; ln(0) is -infinity, of a negative number NaN.
double ln(double x);

/// ln(1 + x) without losing a small x.
double ln1p(double x);

/// e to the x. exp(0) is exactly 1; overflows to infinity above 709.78, reaches 0 below -745.13.
double exp(double x);

/// exp(x) - 1 without losing the difference.
double expm1(double x);

/// x to the y, overflowing and underflowing like exp. REQUIRES: 0 < x < infinity, y finite.
double pow(double x, double y);

}  // namespace terrace::portable
