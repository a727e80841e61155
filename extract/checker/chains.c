/* The two inner loops of gram.ml: four chains of fused multiply-adds, each in its stated order, each term rounded once (C's fma).
   They are here because OCaml calls a function for every fma, which takes ten times as long; tests/check/units_test.ml compares
   them bit for bit with loops over OCaml's Float.fma. */
#include <math.h>

#include <caml/mlvalues.h>

#if defined(__x86_64__) && defined(__GNUC__)
#define EACH_TARGET __attribute__((target_clones("fma", "default")))
#else
#define EACH_TARGET
#endif

/* a[-m] = fma(-c[t], p[4 t + m], a[-m]) for t from count - 1 down to 0 and m = 0 .. 3. */
EACH_TARGET static void subtract(double *a, const double *c, const double *p, long count) {
  double a0 = a[0], a1 = a[-1], a2 = a[-2], a3 = a[-3];
  for (long t = count - 1; t >= 0; --t) {
    const double v = -c[t];
    a0 = fma(v, p[4 * t], a0);
    a1 = fma(v, p[4 * t + 1], a1);
    a2 = fma(v, p[4 * t + 2], a2);
    a3 = fma(v, p[4 * t + 3], a3);
  }
  a[0] = a0, a[-1] = a1, a[-2] = a2, a[-3] = a3;
}

/* s[m] = fma(x[t], p[4 t + m], s[m]) for t from 0 to count - 1 and m = 0 .. 3. */
EACH_TARGET static void add(double *s, const double *x, const double *p, long count) {
  double s0 = s[0], s1 = s[1], s2 = s[2], s3 = s[3];
  for (long t = 0; t < count; ++t) {
    const double v = x[t];
    s0 = fma(v, p[4 * t], s0);
    s1 = fma(v, p[4 * t + 1], s1);
    s2 = fma(v, p[4 * t + 2], s2);
    s3 = fma(v, p[4 * t + 3], s3);
  }
  s[0] = s0, s[1] = s1, s[2] = s2, s[3] = s3;
}

/* Arrays of OCaml's floats, and places in them. */
value hallmark_subtract(value c, value at, value p, value count) {
  double *entries = (double *)c + Long_val(at);
  subtract(entries, entries + 1, (const double *)p, Long_val(count));
  return Val_unit;
}

value hallmark_add(value sums, value at, value x, value first, value p, value count) {
  add((double *)sums + Long_val(at), (const double *)x + Long_val(first), (const double *)p, Long_val(count));
  return Val_unit;
}

value hallmark_add_bytecode(value *v, int count) {
  (void)count;
  return hallmark_add(v[0], v[1], v[2], v[3], v[4], v[5]);
}
