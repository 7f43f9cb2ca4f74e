using System.Text.Json;
using Lathe.Compiler.Lowering;

namespace Lathe.Compiler.Tests.Lowering;

public sealed class ManifestWriterTests
{
    private static readonly ManifestModel Small = new()
    {
        LatheVersion = "0.1.0",
        ClassName = "MyApp.Net",
        AssemblyName = "MyApp.Net.Lathe",
        ModuleName = "MyApp.Net_Module",
        ModelName = "net.onnx",
        Precision = "fp32",
        Device = "CPU",
        Isas = ["avx2"],
        Symbols = [new("N", "n", 1, 32, 1)],
        Inputs = [new("data", "Data", "float32", ["N", 3]) { Layout = "NC", Channels = "RGB", Mean = [0.5f, 1.1f, 0f], Scale = [1f, 2f, 3e-8f], Strided = [0, 1] }],
        Outputs = [new("p\"\n</summary>", "P", "int64", ["N * 2"])],
        ArenaBytes = 64,
        WeightBytes = 128,
        ModelHash = "aa",
        OptionsHash = "bb",
    };

    [Test]
    public void Write_Model_GivesTheDocumentedText() => Assert.That(ManifestWriter.Write(Small), Is.EqualTo("""
        {
          "schema": 1,
          "lathe": "0.1.0",
          "class": "Net",
          "namespace": "MyApp",
          "assembly": "MyApp.Net.Lathe",
          "module": "MyApp.Net_Module",
          "model": "net.onnx",
          "precision": "fp32",
          "device": "CPU",
          "isas": [
            "avx2"
          ],
          "symbols": [
            {
              "name": "N",
              "parameter": "n",
              "min": 1,
              "max": 32,
              "default": 1
            }
          ],
          "inputs": [
            {
              "name": "data",
              "property": "Data",
              "type": "float32",
              "dims": [
                "N",
                3
              ],
              "layout": "NC",
              "channels": "RGB",
              "mean": [
                0.5,
                1.1,
                0
              ],
              "scale": [
                1,
                2,
                3E-08
              ],
              "strided": [
                0,
                1
              ]
            }
          ],
          "outputs": [
            {
              "name": "p\u0022\n\u003C/summary\u003E",
              "property": "P",
              "type": "int64",
              "dims": [
                "N * 2"
              ]
            }
          ],
          "arenaBytes": 64,
          "weightBytes": 128,
          "hashes": {
            "model": "aa",
            "options": "bb"
          }
        }

        """.ReplaceLineEndings("\n")));

    [Test]
    public void Write_NamesOfAnyCharacters_ComeBack()
    {
        string name = string.Concat(Enumerable.Range(1, 0x2100).Select(c => (char)c));
        string text = ManifestWriter.Write(Small with { Outputs = [new(name, "P", "float32", [])] });
        using JsonDocument document = JsonDocument.Parse(text);
        Assert.That(text, Is.All.LessThan('\u007F'));
        Assert.That(document.RootElement.GetProperty("outputs")[0].GetProperty("name").GetString(), Is.EqualTo(name));
    }

    [TestCase("a b")]
    [TestCase("class")]
    [TestCase("Data")]
    public void Write_BadProperty_Throws(string property) =>
        Assert.That(() => ManifestWriter.Write(Small with { Outputs = [new("p", property, "float32", [])] }), Throws.ArgumentException);

    [Test]
    public void Write_BadClassName_Throws() =>
        Assert.That(() => ManifestWriter.Write(Small with { ClassName = "MyApp.Net { }" }), Throws.ArgumentException);
}
