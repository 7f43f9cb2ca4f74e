using Lathe.Compiler.Diagnostics;
using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators;
using Lathe.Compiler.Operators.Elementwise;
using Lathe.Compiler.Operators.Movement;
using Lathe.Compiler.Operators.Reductions;
using Lathe.Compiler.Operators.Shapes;
using Lathe.Kernels.Loops;
using Lathe.Runtime;
using static Lathe.Compiler.Tests.Operators.OperatorCase;
using Cast = Lathe.Compiler.Operators.Shapes.Cast;
using Range = Lathe.Compiler.Operators.Shapes.Range;

namespace Lathe.Compiler.Tests.Operators;

/// <summary>Shapes computed by operators, which inference follows as expressions over named dims.</summary>
internal sealed class ShapeArithmeticTests
{
    private GraphBuilder _g = new();
    private Value _x;

    [SetUp]
    public void MakeInput()
    {
        _g = new GraphBuilder();
        _x = _g.Add(new Input("x", Float32("N", "3", "H", "4")));
    }

    [Test]
    public void Shape_IsKnownAsExpressions()
    {
        Assert.That(Known(_g.Add(new Shape(), _x)), Is.EqualTo("N, 3, H, 4"));
        Assert.That(Known(_g.Add(new Shape(1, -1), _x)), Is.EqualTo("3, H"));
        Assert.That(Known(_g.Add(new Shape(-100, 1), _x)), Is.EqualTo("N"));
        Assert.That(Known(_g.Add(new Compiler.Operators.Shapes.Size(), _x)), Is.EqualTo("12*H*N"));
    }

    [Test]
    public void FlattenedByHand_TheWayExportersDo()
    {
        // Reshape(x, Concat(Unsqueeze(Gather(Shape(x), 0)), [-1])).
        Value shape = _g.Add(new Shape(), _x);
        Value batch = ImportNode(_g, "Gather", 13, 1, [shape, _g.Constant(TensorData.OfInt64s(0).Reshape())])[0];
        Value wanted = _g.Add(new Concat(0), _g.Add(new Unsqueeze([0]), batch), _g.Constant(TensorData.OfInt64s(-1)));
        Value y = ImportNode(_g, "Reshape", 13, 1, [_x, wanted])[0];
        Assert.That(y.Type.ToString(), Is.EqualTo("float32[N, 12*H]"));
    }

    [Test]
    public void Arithmetic_OnDims()
    {
        Value h = _g.Add(new Slice([2], [3]), _g.Add(new Shape(), _x)), two = _g.Constant(TensorData.OfInt64s(2));
        Assert.That(Known(_g.Add(new Add(), h, two)), Is.EqualTo("H + 2"));
        Assert.That(Known(_g.Add(new Sub(), h, two)), Is.EqualTo("H - 2"));
        Assert.That(Known(_g.Add(new Mul(), h, two)), Is.EqualTo("2*H"));
        Assert.That(Known(_g.Add(new Div(), h, two)), Is.EqualTo("(H div 2)"));
        Assert.That(Known(_g.Add(new Mod(), h, two)), Is.EqualTo("(H mod 2)"));
        Assert.That(Known(_g.Add(new Neg(), h)), Is.EqualTo("-H"));
        Assert.That(Known(_g.Add(new Abs(), _g.Add(new Neg(), h))), Is.EqualTo("H"));
        Assert.That(Known(_g.Add(new Max(), h, two)), Is.EqualTo("max(2, H)"));
        Assert.That(Known(_g.Add(new Min(), h, two)), Is.EqualTo("min(2, H)"));
        Assert.That(Known(_g.Add(new ReduceProd(), _g.Add(new Shape(), _x))), Is.EqualTo("12*H*N"));
        Assert.That(Known(_g.Add(new ReduceSum(), _g.Add(new Shape(), _x))), Is.EqualTo("H + N + 7"));
        Assert.That(Known(_g.Add(new Identity(), h)), Is.EqualTo("H"));
        Assert.That(Known(_g.Add(new Tile([2]), h)), Is.EqualTo("H, H"));
        Assert.That(Known(_g.Add(new Expand([3]), h)), Is.EqualTo("H, H, H"));
        Assert.That(Known(_g.Add(new Transpose(), _g.Add(new Unsqueeze([1]), h))), Is.EqualTo("H"));
    }

    [Test]
    public void Conditions_OnDims()
    {
        Value h = _g.Add(new Slice([2], [3]), _g.Add(new Shape(), _x));
        Value isZero = _g.Add(new Equal(), h, _g.Constant(TensorData.OfInt64s(0)));
        Assert.That(Known(isZero), Is.EqualTo("0"), "H is at least 1");
        Assert.That(Known(_g.Add(new Not(), isZero)), Is.EqualTo("1"));
        Assert.That(Known(_g.Add(new Cast(ElementType.Bool), h)), Is.EqualTo("1"));
        Assert.That(Known(_g.Add(new Cast(ElementType.Bool), _g.Add(new Neg(), h))), Is.EqualTo("1"));
        Assert.That(Known(_g.Add(new Cast(ElementType.Bool), _g.Add(new Mod(), h, _g.Constant(TensorData.OfInt64s(2))))), Is.EqualTo("(H mod 2)"));
        Assert.That(_g.Add(new Cast(ElementType.Bool), _g.Add(new Mod(), h, _g.Constant(TensorData.OfInt64s(3)))).Contents, Is.Null);
        Assert.That(_g.Add(new Equal(), h, _g.Constant(TensorData.OfInt64s(1))).Contents, Is.Null);
    }

    [Test]
    public void NegativeDivision_IsKnownForNumbersOnly()
    {
        Value seven = _g.Constant(TensorData.OfInt64s(-7)), two = _g.Constant(TensorData.OfInt64s(2));
        Assert.That(Known(_g.Add(new Div(), seven, two)), Is.EqualTo("-3"));
        Value h = _g.Add(new Slice([2], [3]), _g.Add(new Shape(), _x));
        Assert.That(_g.Add(new Div(), _g.Add(new Neg(), h), two).Contents, Is.Null);
    }

    [Test]
    public void WhatOverflowsOrWraps_IsNotKnown()
    {
        Value least = _g.Constant(TensorData.OfInt64s(long.MinValue)), ints = _g.Constant(TensorData.Of<int>(ElementType.Int32, [int.MaxValue], 1));
        Assert.That(_g.Add(new Neg(), least).Contents, Is.Null);
        Assert.That(_g.Add(new Sub(), least, _g.Constant(TensorData.OfInt64s(1))).Contents, Is.Null);
        Assert.That(_g.Add(new Add(), ints, ints).Contents, Is.Null);
        Assert.That(_g.Add(new ReduceSum(), _g.Constant(TensorData.OfInt64s(long.MaxValue, 1))).Contents, Is.Null);
    }

    [Test]
    public void ScaledInFloats_TheWayUpsamplingIsExported()
    {
        Value h = _g.Add(new Slice([2], [3]), _g.Add(new Shape(), _x));
        Value scaled = _g.Add(new Mul(), _g.Add(new Cast(ElementType.Float32), h), _g.Constant(Floats(2)));
        Value length = _g.Add(new Cast(ElementType.Int64), _g.Add(new Floor(), scaled));
        Assert.That(Known(length), Is.EqualTo("2*H"));
        Assert.That(_g.Add(new Mul(), _g.Add(new Cast(ElementType.Float32), h), _g.Constant(Floats(1.5f))).Contents, Is.Null, "a fraction is no known integer");
        Assert.That(_g.Add(new Div(), _g.Add(new Cast(ElementType.Float32), h), _g.Constant(Floats(2))).Contents, Is.Null, "floats do not truncate");
    }

    [Test]
    public void ExpandsShape_WithMinusOneReplaced()
    {
        // Where(shape == -1, ones, shape), as exporters write it before Expand.
        Value shape = _g.Add(new Concat(0), _g.Add(new Shape(0, 1), _x), _g.Constant(TensorData.OfInt64s(-1)));
        Value open = _g.Add(new Equal(), shape, _g.Constant(TensorData.OfInt64s(-1)));
        Assert.That(Known(open), Is.EqualTo("0, 1"));
        Assert.That(Known(_g.Add(new Where(), open, _g.Constant(TensorData.OfInt64s(1, 1)), shape)), Is.EqualTo("N, 1"));
    }

    [Test]
    public void ConstantOfShape_AndRange_FollowNamedDims()
    {
        Value batch = _g.Add(new Shape(0, 1), _x), one = _g.Constant(TensorData.OfInt64s(1).Reshape()), zero = _g.Constant(TensorData.OfInt64s(0).Reshape());
        Assert.That(ImportNode(_g, "ConstantOfShape", 9, 1, [batch], ("value", TensorData.OfInt64s(7)))[0].Type.ToString(), Is.EqualTo("int64[N]"));
        Value n = _g.Add(new Squeeze([0]), batch);
        Assert.That(ImportNode(_g, "Range", 11, 1, [zero, n, one])[0].Type.ToString(), Is.EqualTo("int64[N]"));
    }

    [Test]
    public void Substitute_GivesNamedDimsNumbers()
    {
        IndexVar n = new("N", 1, 1000);
        IndexExpr? Five(IndexVar v) => v == n ? 5 : null;
        Assert.That(new Reshape([n, 2]).Substitute(Five), Is.EqualTo(new Reshape([5, 2])));
        Assert.That(new Expand([n]).Substitute(Five), Is.EqualTo(new Expand([5])));
        Assert.That(new Tile([n]).Substitute(Five), Is.EqualTo(new Tile([5])));
        Assert.That(new Slice([(IndexExpr)n - 1], [n]).Substitute(Five), Is.EqualTo(new Slice([4], [5])));
        Assert.That(new Resize([], [(IndexExpr)n * 2]).Substitute(Five), Is.EqualTo(new Resize([], [10])));
        Assert.That(new Range(n, 1, n, ElementType.Int64).Substitute(Five), Is.EqualTo(new Range(5, 1, 5, ElementType.Int64)));
        Assert.That(new Relu().Substitute(Five), Is.EqualTo(new Relu()));
    }

    [Test]
    public void Ranges_OfNumbers()
    {
        Assert.That(Range(10, 4, -2).Span<long>().ToArray(), Is.EqualTo(new long[] { 10, 8, 6 }));
        Assert.That(Range(3, 3, 1).Count, Is.Zero);
        TensorData[] scalars = [.. new[] { 1f, 2f, 0.25f }.Select(v => TensorData.OfFloats([v]))];
        Assert.That(Import("Range", 11, scalars)[0].Span<float>().ToArray(), Is.EqualTo(new[] { 1, 1.25f, 1.5f, 1.75f }));
        Assert.That(() => Range(0, 10, 0), Throws.TypeOf<DiagnosticException>().With.Message.Contain("step is 0"));
        Assert.That(() => Import("Range", 11, [TensorData.OfFloats([0]), TensorData.OfFloats([1e30f]), TensorData.OfFloats([1])]), Throws.TypeOf<DiagnosticException>());

        static TensorData Range(long start, long limit, long delta) =>
            Import("Range", 11, [.. new[] { start, limit, delta }.Select(v => (TensorData?)TensorData.OfInt64s(v).Reshape())])[0];
    }

    [Test]
    public void EyeLike_PutsOnesOnADiagonal()
    {
        TensorData eye = Import("EyeLike", 9, [TensorData.OfFloats(new float[6], 2, 3)], ("k", 1L), ("dtype", 7L))[0];
        Assert.That(eye.Span<long>().ToArray(), Is.EqualTo(new long[] { 0, 1, 0, 0, 0, 1 }));
        eye = Import("EyeLike", 9, [TensorData.OfFloats(new float[6], 3, 2)], ("k", -1L))[0];
        Assert.That(eye.Span<float>().ToArray(), Is.EqualTo(new float[] { 0, 0, 1, 0, 0, 1 }));
    }

    [Test]
    public void HugeShapes_AreRefused()
    {
        Value wanted = _g.Constant(TensorData.OfInt64s(1L << 40, 1L << 40));
        DiagnosticException refused = Assert.Throws<DiagnosticException>(() => ImportNode(_g, "ConstantOfShape", 9, 1, [wanted]))!;
        Assert.That(refused.Diagnostic.Descriptor.Id, Is.EqualTo("LATHE0102"));
    }

    private static string Known(Value value) => string.Join(", ", value.Contents!.Value);
}
