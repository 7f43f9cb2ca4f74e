using Lathe.Cli.Conformance;

namespace Lathe.Cli.Tests.Conformance;

public sealed class BatchesTests
{
    [Test]
    public void Batches_HoldEveryCaseOnce_TheLargestModelsFirst()
    {
        using TemporaryFolder folder = new();
        List<TestCase> cases = [];
        for (int i = 0; i < 100; i++)
        {
            string name = $"node/test_{i}";
            Directory.CreateDirectory(folder[name]);
            File.WriteAllBytes(folder[$"{name}/model.onnx"], new byte[i == 50 ? 1 << 20 : 100]);
            cases.Add(new TestCase(name, folder[name]));
        }

        IReadOnlyList<IReadOnlyList<int>> batches = Batches.Of(cases);
        Assert.That(batches[0], Is.EqualTo(new[] { 50 }));
        Assert.That(batches.SelectMany(batch => batch), Is.EquivalentTo(Enumerable.Range(0, 100)));
        Assert.That(batches, Has.Count.EqualTo(5));
    }
}
