using Lathe.Kernels.Loops;
using Lathe.Kernels.Loops.Text;
using Lathe.Runtime;

namespace Lathe.Kernels.Tests;

/// <summary>The text form: it reads well and reads back.</summary>
public sealed class TextTests
{
    private const string Convolution = """
        kernel conv_14x32(X: float32, Weights: float32, Bias: float32, out Y: float32)
        summary "3x3 convolution, 64 to 64 channels of H x W, NCHW16c."
        dims H{1..4096}, W{14..4096}
          parallel ob in 0..2
            index line = 16*W + 32
            serial oh in 0..H; serial owt in 0..((W + 13) div 14)
              index left = min(14*owt, W - 14)
              alloc acc: float32[448] register
                unroll r in 0..14; unroll n in 0..2; vector v in 0..16
                  acc[16*n + 32*r + v] = Bias[16*n + 32*ob + v]
                pointer x = X[16*left + line*oh]
                serial icb in 0..4; serial kh in 0..3; serial ko in 0..12; unroll ku in 0..4; unroll r in 0..14; unroll n in 0..2; vector v in 0..16
                  acc[16*n + 32*r + v] = fma(x[4*ko + ku + 16*r], Weights[16*n + v], acc[16*n + 32*r + v])
                unroll r in 0..14; unroll n in 0..2
                  stream Y[512*n + 16*r : 16] = max(acc[16*n + 32*r : 16], float32x16(0))

        """;

    private const string Attention = """
        computation attention: Rows
        dims T{1..}
        input Q: float32[T, 64]
        input K: float32[T, 64] layout 0/16,1,0%16
        output O: float32[T, 64]
        constant scale: float32[1] = {0.125}
        temporary S: float32[T, T]
        stage scores writes S over i in T, j in T reducing c in 64
          acc: float32 = float32(0) then fma(Q(i, c), K(j, c), acc)
          result = acc*scale(0)
        stage online writes O over i in T, d in 64 reducing j in T
          m: float32 = float32(-inf) then max(m, S(i, j))
          l: float32 = float32(0) then l * exp(m - max(m, S(i, j))) + exp(S(i, j) - max(m, S(i, j)))
          result = l / m

        """;

    [Test]
    public void Print_ParsedKernel_IsTheText() => Assert.That(Printer.Print(Parser.ParseKernel(Convolution)), Is.EqualTo(Convolution));

    [Test]
    public void Print_ParsedComputation_IsTheText()
    {
        Computation computation = Parser.ParseComputation(Attention);
        Assert.That(Printer.Print(computation), Is.EqualTo(Attention.Replace("acc*scale", "acc * scale", StringComparison.Ordinal)));
        Assert.That(Parser.ParseComputation(Printer.Print(computation)), Is.EqualTo(computation));
        Assert.That(computation.Stages[0].Result.Type, Is.EqualTo(new VectorType(ElementType.Float32)));
    }

    [Test]
    public void Parse_PrintedRandomProgram_IsTheProgram()
    {
        HashSet<Type> seen = [];
        for (int seed = 0; seed < 400; seed++)
        {
            Kernel kernel = new RandomPrograms(seed).Next();
            string text = Printer.Print(kernel);
            Kernel read = Parser.ParseKernel(text);
            Assert.That(Printer.Print(read), Is.EqualTo(text));
            Assert.That(read, Is.EqualTo(kernel), text);
            Collect(kernel.Body, seen);
        }

        Assert.That(seen, Has.Count.EqualTo(15), "every kind of statement but the barrier occurs");
    }

    private static void Collect(Statement statement, HashSet<Type> seen)
    {
        seen.Add(statement.GetType());
        foreach (Statement part in statement switch
        {
            Sequence s => s.Statements.Items,
            For f => [f.Body],
            If i => i.Else is null ? [i.Then] : [i.Then, i.Else],
            Alloc a => [a.Body],
            _ => [],
        })
        {
            Collect(part, seen);
        }
    }

    [Test]
    public void Parse_VariableRanges_AreThoseOfTheLoop()
    {
        Kernel kernel = Parser.ParseKernel("""
            kernel k(out Y: float32)
            dims N{1..100}
              serial i in 2..N
                serial j{0..7} in 0..i
                  index m = i div 3
                  Y[m + j] = float32(0)
            """);
        For outer = (For)kernel.Body, inner = (For)outer.Body;
        IndexVar let = ((LetIndex)((Sequence)inner.Body).Statements[0]).Variable;
        Assert.Multiple(() =>
        {
            Assert.That(outer.Variable.Range, Is.EqualTo(new IndexRange(2, 99)));
            Assert.That(inner.Variable.Range, Is.EqualTo(new IndexRange(0, 7)));
            Assert.That(let.Range, Is.EqualTo(new IndexRange(0, 33)));
            Assert.That(inner.Hi.Range, Is.EqualTo(new IndexRange(2, 99)), "uses carry the range of the declaration");
        });
    }

    [TestCase("a - b - c", "a - b - c")]
    [TestCase("a - (b - c)", "a - (b - c)")]
    [TestCase("(a + b) * c", "(a + b) * c")]
    [TestCase("a + b * c", "a + b * c")]
    [TestCase("-a * -(b + c)", "-a * -(b + c)")]
    [TestCase("a / (b * c) % d", "a / (b * c) % d")]
    [TestCase("select((a < b) & (b <= c) | !(a == c), a, b)", "select(a < b & b <= c | !(a == c), a, b)")]
    [TestCase("max(min(a, b), power(c, d))", "max(min(a, b), power(c, d))")]
    [TestCase("reduce(add, splat(a, 4))", "reduce(add, splat(a, 4))")]
    [TestCase("cast(cast(a, uint8 round saturate), float32)", "cast(cast(a, uint8 round saturate), float32)")]
    [TestCase("cast(int32[i*2 + 1], float32) + float32(-1.5e-7)", "cast(int32[2*i + 1], float32) + float32(-1.5E-07)")]
    [TestCase("X[i] + reduce(add, X[i : 4 step 2 if first(i + 1, 4)])", "X[i] + reduce(add, X[i : 4 step 2 if first(i + 1, 4)])")]
    [TestCase("`if`", "`if`")]
    public void Print_ParsedExpression_HasTheFewestParentheses(string text, string printed)
    {
        Kernel kernel = Parser.ParseKernel($"kernel k(X: float32, out Y: float32)\n  serial i in 0..4\n    {string.Join("\n    ", "abcd".Select(c => $"let {c} = X[i]"))}\n    let `if` = X[i]\n    Y[i] = {text}");
        Store store = (Store)((Sequence)((For)kernel.Body).Body).Statements[^1];
        Assert.That(Printer.Print(store.Value), Is.EqualTo(printed));
    }

    [Test]
    public void Parse_CommentsAndOpenBrackets_GoOn()
    {
        Kernel kernel = Parser.ParseKernel("""
            # a kernel
            kernel k(X: float32,   # the input
                     out Y: float32)

              Y[0] = max(X[0],
            # in between
                X[1])   # the larger
            """);
        Assert.That(Printer.Print(kernel), Is.EqualTo("kernel k(X: float32, out Y: float32)\n  Y[0] = max(X[0], X[1])\n"));
    }

    [Test]
    public void ParseIndex_Text_IsSimplified()
    {
        IndexVar x = new("x", 0, 99), v = new("v", 0, 15);
        Assert.That(Parser.ParseIndex("(16*x + v) div 16 + select(v < 16, 1, 2) - min(v, 15)", x, v), Is.EqualTo(x + 1 - (IndexExpr)v));
    }

    [TestCase("Y[0] = float32(0) float32(1)", "the end of the line expected", 3)]
    [TestCase("Y[j] = float32(0)", "'j' is not defined", 3)]
    [TestCase("Z[0] = float32(0)", "'Z' is not defined", 3)]
    [TestCase("Y[0] = q", "'q' is not defined", 3)]
    [TestCase("Y[0] = N", "'N' is no value", 3)]
    [TestCase("Y[0] = foo(1)", "'foo' is not defined", 3)]
    [TestCase("Y[0] = fma(Y[0], Y[0])", "3 operands expected", 3)]
    [TestCase("Y[0 : 4] = Y[0]", "1 lanes are stored to 4", 3)]
    [TestCase("Y[0] = float33(0)", "float33", 3)]
    [TestCase("Y[N div 0] = float32(0)", "divided by zero", 3)]
    [TestCase("Y[99999999999999999999] = float32(0)", "64 bits", 3)]
    [TestCase("serial i in 0..4", "a block expected", 3)]
    [TestCase("  Y[0] = float32(0)\n Y[0] = float32(0)", "fits no block", 4)]
    [TestCase("note \"open", "a string does not end", 3)]
    [TestCase("Y[0] = float32(0) $", "begins no token", 3)]
    [TestCase("alloc t: float32[4] heap", "no scope of memory", 3)]
    [TestCase("let Y = float32(0)", "'Y' is defined twice", 3)]
    public void Parse_Mistake_NamesPlaceAndProblem(string line, string problem, int at)
    {
        string message = Assert.Throws<FormatException>(() => Parser.ParseKernel($"kernel k(out Y: float32)\ndims N{{1..}}\n  {line}"))!.Message;
        Assert.That(message, Does.StartWith($"({at}, ").And.Contain(problem));
    }
}
