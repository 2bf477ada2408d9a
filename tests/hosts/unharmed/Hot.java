// Hot enough for both compilers of HotSpot. Started from its source: javac runs in the same process.
public class Hot {
  static long work(int n) {
    long s = 0;
    for (int i = 0; i < n; ++i) {
      if (i % 3 == 0) s += i;
      else if (i % 5 == 0) s -= i;
      else s += 1;
    }
    return s;
  }

  public static void main(String[] args) {
    long sum = 0;
    for (int n = 0; n < 5000; ++n) sum ^= work(n);
    System.out.println("result " + sum);
  }
}
