using Google.Protobuf;
using Lathe.Compiler.Diagnostics;
using Lathe.Compiler.Onnx;
using Lathe.Compiler.Tests.Onnx;
using static Lathe.Compiler.Tests.Onnx.ModelBuilder;

namespace Lathe.Compiler.Tests;

/// <summary>Rules about the precision of a model's convolutions and products.</summary>
public sealed class NodePrecisionsTests
{
    /// <summary>x → first (Conv) → norm (BatchNormalization) → act (Relu) → h; h → second (Conv) → s; h + s → sum (Add) → last (Conv) → y.</summary>
    private static ModelBuilder Network()
    {
        ModelBuilder model = new ModelBuilder().Input("x", 1, 16, 6, 6).Output("y");
        foreach ((string name, long[] dims) in (ReadOnlySpan<(string, long[])>)[("w1", [16, 16, 3, 3]), ("w2", [16, 16, 3, 3]), ("w3", [16, 16, 3, 3]), ("one", [16]), ("zero", [16])])
            model.Initialiser(Floats(name, dims, [.. Enumerable.Range(0, (int)dims.Aggregate(1L, (a, b) => a * b)).Select(i => name == "one" ? 1 : name == "zero" ? 0 : ((i * 7 % 23) - 11) / 100f)]));
        (string, object) pads = ("pads", (long[])[1, 1, 1, 1]);
        model.Node("Conv", ["x", "w1"], ["c"], pads).Node("BatchNormalization", ["c", "one", "zero", "zero", "one"], ["n"]).Node("Relu", ["n"], ["h"])
            .Node("Conv", ["h", "w2"], ["s"], pads).Node("Add", ["h", "s"], ["a"]).Node("Conv", ["a", "w3"], ["y"], pads);
        string[] names = ["first", "norm", "act", "second", "sum", "last"];
        for (int i = 0; i < names.Length; i++) model.Model.Graph.Node[i].Name = names[i];
        return model;
    }

    [TestCase("first = bf16", "first")]
    [TestCase("norm = bf16", "first")]
    [TestCase("act = bf16", "first")]
    [TestCase("op:Conv = bf16", "first second last")]
    [TestCase("/./ = bf16\nsecond = fp32", "first last")]
    [TestCase("first = bf16\nact = fp32", "")]
    [TestCase("act = fp32\nfirst = bf16", "first")]
    [TestCase("between:h..a = bf16", "second")]
    [TestCase("second = fp16", "second")]
    public void Rule_IsAboutAConvolutionAndWhatIsComputedWithIt(string rules, string expected)
    {
        CompileResult result = Compile(new CompileOptions { PrecisionRules = NodePrecisions.Parse(rules) });
        Assert.That(result.Diagnostics, Is.Empty);
        string value = rules.Contains("fp16", StringComparison.Ordinal) ? "fp16" : "bf16";
        // A group is named after what it gives.
        Dictionary<string, string> groups = new() { ["act"] = "first", ["norm"] = "first", ["first"] = "first", ["second"] = "second", ["sum"] = "second", ["last"] = "last" };
        Assert.That(result.Module!.Report.Groups.Where(g => g.Precision == value).Select(g => groups[g.Name]), Is.EquivalentTo(expected.Split(' ', StringSplitOptions.RemoveEmptyEntries)));
    }

    [Test]
    public void Rules_MakeExceptionsOfThePrecision()
    {
        CompileReport all = Compile(new CompileOptions { Precision = "bf16" }).Module!.Report, ruled = Compile(new CompileOptions { Precision = "bf16", PrecisionRules = NodePrecisions.Parse("last = fp32") }).Module!.Report;
        Assert.That(ruled.WeightBytes, Is.GreaterThan(all.WeightBytes));
        Assert.That(ruled.Groups.Count(g => g.Precision == "bf16"), Is.EqualTo(2));
        Assert.That(new CompileOptions { PrecisionRules = NodePrecisions.Parse("last = fp32") }.CanonicalText(), Is.Not.EqualTo(new CompileOptions().CanonicalText()));
    }

    [Test]
    public void Rule_WithoutProducts_IsAWarning()
    {
        CompileResult result = Compile(new CompileOptions { PrecisionRules = NodePrecisions.Parse("first = bf16\nsum = bf16") });
        Assert.That(result.Diagnostics.Select(d => (d.Descriptor.Id, d.Message)), Is.EqualTo(new[]
        {
            ("LATHE0630", "--precision-rules, line 2: 'sum' names no convolution and no product, nor what is computed with one: the rule has no effect"),
        }));
    }

    [TestCase("nobody = bf16", "LATHE0231")]
    [TestCase("first = int8", "LATHE0631")]
    public void Rule_ThatCannotBeFollowed_IsOneError(string rules, string id)
    {
        CompileResult result = Compile(new CompileOptions { PrecisionRules = NodePrecisions.Parse(rules) });
        Assert.That(result.Module, Is.Null);
        Assert.That(result.Diagnostics.Select(d => d.Descriptor.Id), Is.EqualTo(new[] { id }));
    }

    [TestCase("first = bf17", "LATHE0230", "--precision-rules, line 1: 'bf17' is not one of fp32, fp16, bf16 and int8")]
    public void WhatIsNoPrecision_IsSaid(string rules, string id, string message)
    {
        Diagnostic said = Assert.Throws<DiagnosticException>(() => NodePrecisions.Parse(rules))!.Diagnostic;
        Assert.That((said.Descriptor.Id, said.Message), Is.EqualTo((id, message)));
    }

    [Test]
    public void SixteenBits_AreReadAsTheyAreOnOpenClDevices()
    {
        // There nothing is widened when the model is loaded: no step does nothing but that.
        CompileReport report = Compile(new CompileOptions { Device = "GPU", Winograd = false, PrecisionRules = NodePrecisions.Parse("first = bf16") }).Module!.Report;
        Assert.That(report.Groups.Where(g => g.Op.Contains("Conv")).Select(g => g.Precision), Is.EqualTo(new[] { "bf16", "fp32", "fp32" }));
        Assert.That(report.Groups.Select(g => g.Op), Has.None.EqualTo("Cast"));
    }

    private static CompileResult Compile(CompileOptions options)
    {
        using TemporaryDirectory folder = new();
        return Compilation.Compile(folder.Write("model.onnx", Network().Model.ToByteArray()), options with { Isas = [Lathe.Runtime.Plans.Isa.Vector128] });
    }
}
