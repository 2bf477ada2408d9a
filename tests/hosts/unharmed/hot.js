// Hot enough for V8's optimizing compiler; %GetOptimizationStatus needs --allow-natives-syntax.
function work(n) {
  let s = 0;
  for (let i = 0; i < n; ++i) {
    if (i % 3 === 0) s += i; else if (i % 5 === 0) s -= i; else s += 1;
  }
  return s;
}
const values = [];
for (let n = 0; n < 2000; ++n) values.push(work(n));
values.sort((a, b) => b - a);
console.log(values[0], values[1000], values.length);
const kOptimized = 1 << 4, kBaseline = 1 << 15;  // v8's runtime.h
console.log('compiled', (%GetOptimizationStatus(work) & (kOptimized | kBaseline)) !== 0);
