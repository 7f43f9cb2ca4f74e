using Google.Protobuf;
using Lathe.Compiler.Diagnostics;
using Lathe.Compiler.Graph;
using Lathe.Compiler.Onnx;
using Lathe.Compiler.Quantization;
using Lathe.Compiler.Tests.Onnx;

namespace Lathe.Compiler.Tests.Quantization;

/// <summary>Layers that stay in a higher precision: by rules, and as many as a budget takes.</summary>
[TestFixture]
internal sealed class MixedPrecisionTests
{
    [TestCase(3, 2)]
    [TestCase(5, 6)]
    [TestCase(9, 4)]
    public void Budget_IsKeptTo_AndItsRulesGiveTheSameModel(int seed, double better)
    {
        RandomNetwork network = new(seed);
        using TemporaryDirectory folder = new();
        string path = folder.Write("network.onnx", network.Model.Model.ToByteArray());
        TensorData[] samples = [network.Sample(), network.Sample()];
        QuantizedModel all = Quantizer.Run(path, new CompileOptions(), new QuantizeOptions { MinSqnr = -100 }, new MemoryRunner(samples));
        double budget = all.Outputs[0].SqnrDb!.Value + better;
        QuantizeOptions how = new() { Budget = new LossBudget($"{budget}dB", null, budget) };
        QuantizedModel mixed = Quantizer.Run(path, new CompileOptions(), how, new MemoryRunner(samples));
        Assert.That(mixed.Outputs[0].SqnrDb, Is.GreaterThanOrEqualTo(budget));
        Assert.That(mixed.Mixed!.SqnrDbBefore, Is.EqualTo(all.Outputs[0].SqnrDb));
        Assert.That(mixed.Mixed.SqnrDb, Is.EqualTo(mixed.Outputs[0].SqnrDb));
        Assert.That(mixed.Mixed.Kept, Is.InRange(1, all.Layers.Count - 1).And.EqualTo(all.Layers.Count - mixed.Layers.Count));
        Assert.That(mixed.Mixed.Candidates, Is.EqualTo(all.Layers.Count));

        string rules = MixedRules.Of("network.onnx", mixed);
        // Other options than the rules do not matter.
        QuantizedModel again = Quantizer.Run(path, new CompileOptions { PrecisionRules = NodePrecisions.Parse(rules) }, new QuantizeOptions { MinSqnr = 1000 }, new MemoryRunner(samples));
        Assert.That(again.Onnx, Is.EqualTo(mixed.Onnx), rules);
        Assert.That(MixedRules.Of("network.onnx", again).Split('\n')[1..], Is.EqualTo(rules.Split('\n')[1..]), "what is written is what was read");
        Assert.That(Quantizer.Run(path, new CompileOptions(), how, new MemoryRunner(samples)).Onnx, Is.EqualTo(mixed.Onnx));
    }

    [Test]
    public void Budget_ThatIsKeptToAnyway_KeepsNothing()
    {
        (string path, TemporaryDirectory folder, MemoryRunner runner) = Written(5);
        using (folder)
        {
            QuantizedModel all = Quantizer.Run(path, new CompileOptions(), new QuantizeOptions { MinSqnr = -100 }, runner);
            QuantizedModel mixed = Quantizer.Run(path, new CompileOptions(), new QuantizeOptions { Budget = LossBudget.Parse("1dB") }, runner);
            Assert.That(mixed.Onnx, Is.EqualTo(all.Onnx));
            Assert.That((mixed.Mixed!.Kept, mixed.Mixed.Trials), Is.EqualTo((0, 1)));
        }
    }

    [Test]
    public void Budget_ThatNothingKeepsTo_IsRefused()
    {
        (string path, TemporaryDirectory folder, MemoryRunner runner) = Written(5);
        using (folder)
        {
            Assert.That(Refused("199dB").Id, Is.EqualTo("LATHE0632"));
            // Points of agreement are for classes, which an image has not.
            Assert.That(Refused("0.5"), Is.EqualTo(DiagnosticTable.BadOption));
        }

        DiagnosticDescriptor Refused(string budget) => Assert.Throws<DiagnosticException>(() =>
            Quantizer.Run(path, new CompileOptions(), new QuantizeOptions { Budget = LossBudget.Parse(budget) }, runner))!.Diagnostic.Descriptor;
    }

    [Test]
    public void Rules_HoldBeforeTheRatio()
    {
        (string path, TemporaryDirectory folder, MemoryRunner runner) = Written(5);
        using (folder)
        {
            QuantizedModel all = Quantizer.Run(path, new CompileOptions(), new QuantizeOptions { MinSqnr = -100 }, runner);
            string first = all.Layers[0].Node, second = all.Layers[1].Node;
            // All would stay in floats by their ratio, but for the one that is to be bytes.
            QuantizedModel ruled = Quantizer.Run(path, new CompileOptions { PrecisionRules = NodePrecisions.Parse($"{first} = int8\n{second} = bf16") }, new QuantizeOptions { MinSqnr = 1000 }, runner);
            Assert.That(ruled.Layers.Select(l => l.Node), Is.EqualTo(new[] { first }));
            KeptLayer kept = ruled.Kept.Single(k => k.Node == second);
            Assert.That((kept.Precision, kept.Reason), Is.EqualTo(("bf16", "line 2 of the rules says bf16")));
        }
    }

    [Test]
    public void Weights_OfSixteenBits_KeepToABudget([Values("bf16", "fp16")] string precision)
    {
        (string path, TemporaryDirectory folder, MemoryRunner runner) = Written(9);
        using (folder)
        {
            CompileOptions options = new() { Precision = precision };
            MixedPrecision all = Quantizer.Narrow(path, options, LossBudget.Parse("1dB"), runner).Report;
            Assert.That((all.Kept, all.Trials), Is.EqualTo((0, 1)));
            double budget = all.SqnrDb + 3;
            MixedWeights mixed = Quantizer.Narrow(path, options, new LossBudget("3 more", null, budget), runner);
            Assert.That(mixed.Report.SqnrDb, Is.GreaterThanOrEqualTo(budget));
            Assert.That(mixed.Report.Kept, Is.InRange(1, mixed.Report.Candidates - 1));
            Assert.That(mixed.Rules.Count, Is.EqualTo(1 + mixed.Report.Kept));
            Assert.That(NodePrecisions.Parse(mixed.Text).Select(r => (r.Selector.Text, r.Value)), Is.EqualTo(mixed.Rules.Select(r => (r.Selector.Text, r.Value))));
        }
    }

    [Test]
    public void Rules_StayBesideWhatIsChosen()
    {
        (string path, TemporaryDirectory folder, MemoryRunner runner) = Written(9);
        using (folder)
        {
            // Rules about what has no weights of its own are none of the candidates', and hold all the same.
            CompileOptions options = new() { Precision = "bf16", PrecisionRules = NodePrecisions.Parse("op:MatMul = fp16\n/./ = fp16") };
            MixedWeights mixed = Quantizer.Narrow(path, options, LossBudget.Parse("1dB"), runner);
            Assert.That(mixed.Rules.Select(r => (r.Selector.Text, r.Value)), Is.EqualTo(new[] { ("/./", "bf16"), ("op:MatMul", "fp16"), ("/./", "fp16") }));
            // Nothing is left to choose from.
            Assert.That(mixed.Report.Candidates, Is.Zero);
            Diagnostic refused = Assert.Throws<DiagnosticException>(() => Quantizer.Narrow(path, options, LossBudget.Parse("199dB"), runner))!.Diagnostic;
            Assert.That(refused.Descriptor, Is.EqualTo(DiagnosticTable.MixedBudgetNotMet));
        }
    }

    [TestCase("Conv_1", "Conv_1")]
    [TestCase("/model.0/conv/Conv", "/model.0/conv/Conv")]
    [TestCase("a = b", "a = b")]
    [TestCase("op:Conv", "/^op:Conv$/")]
    [TestCase("/a/", "/^/a/$/")]
    [TestCase("#1 (x)", @"/^\#1\ \(x\)$/")]
    [TestCase("a\nb", @"/^a\u000ab$/")]
    [TestCase("between:a..b", @"/^between:a\.\.b$/")]
    public void AnyName_IsSelectedAgain(string name, string selector)
    {
        QuantizedModel quantized = new([], 1, [], [new KeptLayer(name, "Conv", "", 3.25)], [new OutputError("y", 20, null)], []);
        string rules = MixedRules.Of("m", quantized);
        Assert.That(rules, Does.EndWith($"\n\n# 3.2 dB at its own output in int8\n{selector} = fp32\n").Or.EndWith($"\n\n# 3.3 dB at its own output in int8\n{selector} = fp32\n"));
        ModelBuilder model = new ModelBuilder().Input("x", 4).Output("z").Node("Relu", ["x"], ["y"]).Node("Abs", ["y"], ["z"]);
        model.Model.Graph.Node[0].Name = name;
        Assert.That(NodePrecisions.Parse(rules)[^1].Selector.NamesIn(model.Graph()), Is.EquivalentTo(new[] { name }));
    }

    [TestCase("30dB", null, 30.0)]
    [TestCase(" 0.5 ", 0.5, null)]
    public void Budget_IsRead(string text, double? points, double? decibels) =>
        Assert.That((LossBudget.Parse(text).Points, LossBudget.Parse(text).Decibels), Is.EqualTo((points, decibels)));

    [TestCase("much")]
    [TestCase("-1")]
    [TestCase("101")]
    [TestCase("NaN")]
    [TestCase("dB")]
    public void WhatIsNoBudget_IsRefused(string text) => Assert.Throws<FormatException>(() => LossBudget.Parse(text));

    private static (string Path, TemporaryDirectory Folder, MemoryRunner Runner) Written(int seed)
    {
        RandomNetwork network = new(seed);
        TemporaryDirectory folder = new();
        return (folder.Write("network.onnx", network.Model.Model.ToByteArray()), folder, new MemoryRunner(network.Sample(), network.Sample()));
    }
}
