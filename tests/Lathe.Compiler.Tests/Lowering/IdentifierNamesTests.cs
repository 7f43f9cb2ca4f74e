using Lathe.Compiler.Lowering;
using Microsoft.CodeAnalysis.CSharp;

namespace Lathe.Compiler.Tests.Lowering;

public sealed class IdentifierNamesTests
{
    [TestCase("data", "Data")]
    [TestCase("input.1", "Input1")]
    [TestCase("data_0", "Data0")]
    [TestCase("onnx::Conv_123", "OnnxConv123")]
    [TestCase("123", "Tensor123")]
    [TestCase("", "Tensor")]
    [TestCase("\"\r\n*/ } ; //", "Tensor")]
    [TestCase("class", "Class")]
    [TestCase("infer", "InferTensor")]
    [TestCase("get hash code", "GetHashCodeTensor")]
    [TestCase("net", "NetTensor")]
    [TestCase("input", "Input")]
    [TestCase("output", "Output")]
    [TestCase("bind_input", "BindInputTensor")]
    [TestCase("bind_output", "BindOutputTensor")]
    [TestCase("große_eingabe", "GroßeEingabe")]
    [TestCase("a\u202Eb\uD83D\uDE00c\u0301", "ABC")]
    public void Properties_Name_IsPascalCase(string name, string expected) =>
        Assert.That(IdentifierNames.Properties("MyApp.Net", [name]), Is.EqualTo(new[] { expected }));

    [Test]
    public void Properties_Clashes_AreNumbered() => Assert.That(
        IdentifierNames.Properties("Net", ["x", "X", "x.", "input.1", "input1", "x_shape", "bind_x"]),
        Is.EqualTo(new[] { "X", "X2", "X3", "Input1", "Input1_2", "XShape2", "BindX4" }));

    [Test]
    public void Properties_LongNames_StayDistinct()
    {
        string prefix = new('a', 100_000);
        IReadOnlyList<string> names = IdentifierNames.Properties("Net", [prefix + "b", prefix + "c"]);
        Assert.That(names[0], Is.Not.EqualTo(names[1]));
        Assert.That(names, Is.All.Matches<string>(IdentifierNames.IsIdentifier));
    }

    [Test]
    public void Properties_EveryCharacter_GivesAnIdentifierOfCSharp()
    {
        string[] names = [.. Enumerable.Range(0, 0x10000).Select(c => ((char)c).ToString())];
        foreach (string property in IdentifierNames.Properties("Net", names))
            Assert.That(SyntaxFacts.IsValidIdentifier(property), property);
    }

    [TestCase("N", "n")]
    [TestCase("batch_size", "batchSize")]
    [TestCase("in", "inDim")]
    [TestCase("unk__612", "unk612")]
    [TestCase("?", "dim")]
    public void Parameters_Name_IsCamelCase(string name, string expected) =>
        Assert.That(IdentifierNames.Parameters([name]), Is.EqualTo(new[] { expected }));

    [Test]
    public void Parameters_Clashes_AreNumbered() =>
        Assert.That(IdentifierNames.Parameters(["N", "n", "dim1", "dim_1"]), Is.EqualTo(new[] { "n", "n2", "dim1", "dim1_2" }));

    [TestCase("models/squeezenet1.0-7.onnx", "Squeezenet107")]
    [TestCase("C:\\m\\super resolution.onnx", "SuperResolution")]
    [TestCase("7.onnx", "Model7")]
    [TestCase(".onnx", "Onnx")]
    [TestCase("load.onnx", "LoadModel")]
    public void ClassName_File_IsAClassName(string file, string expected) => Assert.That(IdentifierNames.ClassName(file), Is.EqualTo(expected));

    [TestCase("SqueezeNet", true)]
    [TestCase("MyApp.Nets.SqueezeNet", true)]
    [TestCase("MyApp.Load", false)]
    [TestCase("MyApp.class", false)]
    [TestCase("MyApp..Net", false)]
    [TestCase("1Net", false)]
    [TestCase("Net;", false)]
    [TestCase("", false)]
    [TestCase("file", false)]
    public void IsClassName_Name_TellsWhetherItCanBeDeclared(string name, bool expected) =>
        Assert.That(IdentifierNames.IsClassName(name), Is.EqualTo(expected));

    [Test]
    public void IsIdentifier_Keywords_AreRefused()
    {
        IEnumerable<SyntaxKind> keywords = SyntaxFacts.GetReservedKeywordKinds();
        foreach (SyntaxKind keyword in keywords) Assert.That(IdentifierNames.IsIdentifier(SyntaxFacts.GetText(keyword)), Is.False, keyword.ToString());
    }

    [Test]
    public void AssemblyName_Class_HasTheNamespace() => Assert.Multiple(() =>
    {
        Assert.That(IdentifierNames.AssemblyName("MyApp.Net"), Is.EqualTo("MyApp.Net.Lathe"));
        Assert.That(IdentifierNames.ModuleName("MyApp.Net"), Is.EqualTo("MyApp.Net_Module"));
        Assert.That(IdentifierNames.ManifestFile("MyApp.Net"), Is.EqualTo("MyApp.Net.lathe.json"));
        Assert.That(IdentifierNames.Namespace("MyApp.Net"), Is.EqualTo("MyApp"));
        Assert.That(IdentifierNames.Namespace("Net"), Is.Empty);
        Assert.That(IdentifierNames.SimpleName("Net"), Is.EqualTo("Net"));
    });
}
