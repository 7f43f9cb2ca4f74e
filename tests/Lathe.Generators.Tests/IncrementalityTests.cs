using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace Lathe.Generators.Tests;

public sealed class IncrementalityTests
{
    private static readonly (string, string)[] Files = [("/p/A.lathe.json", TestManifests.Fixed), ("/p/B.lathe.json", TestManifests.Dynamic)];

    private static readonly IncrementalStepRunReason[] Cached = [IncrementalStepRunReason.Cached, IncrementalStepRunReason.Cached];

    [Test]
    public void Run_AfterAnEditOfCode_DoesNothingAnew()
    {
        CSharpCompilation compilation = GeneratorRun.Compilation("class A;");
        GeneratorDriver driver = GeneratorRun.Driver(Files).RunGenerators(compilation);
        driver = driver.RunGenerators(compilation.AddSyntaxTrees(CSharpSyntaxTree.ParseText("class B;", (CSharpParseOptions)compilation.SyntaxTrees[0].Options)));
        Assert.Multiple(() =>
        {
            Assert.That(Reasons(driver, ModelGenerator.ReadStep), Is.EqualTo(Cached));
            Assert.That(Reasons(driver, ModelGenerator.CheckStep), Is.EqualTo(Cached));
            Assert.That(OutputReasons(driver), Is.EqualTo(Cached));
        });
    }

    [Test]
    public void Run_AfterAManifestWasWrittenAnew_EmitsNothingAnew()
    {
        CSharpCompilation compilation = GeneratorRun.Compilation("");
        GeneratorRun.TestText old = new("/p/A.lathe.json", TestManifests.Fixed), same = new("/p/A.lathe.json", TestManifests.Fixed + "\n");
        GeneratorDriver driver = GeneratorRun.Driver([]).AddAdditionalTexts([old]).RunGenerators(compilation);
        driver = driver.ReplaceAdditionalText(old, same).RunGenerators(compilation);
        Assert.Multiple(() =>
        {
            Assert.That(Reasons(driver, ModelGenerator.ReadStep), Is.EqualTo(new[] { IncrementalStepRunReason.Unchanged }));
            Assert.That(OutputReasons(driver), Is.EqualTo(new[] { IncrementalStepRunReason.Cached }));
        });
    }

    [Test]
    public void Run_AfterOneManifestChanged_EmitsThatOne()
    {
        CSharpCompilation compilation = GeneratorRun.Compilation("");
        GeneratorRun.TestText a = new("/p/A.lathe.json", TestManifests.Fixed), b = new("/p/B.lathe.json", TestManifests.Dynamic);
        GeneratorRun.TestText changed = new("/p/B.lathe.json", TestManifests.Dynamic.Replace("\"best\"", "\"worst\"", StringComparison.Ordinal));
        GeneratorDriver driver = GeneratorRun.Driver([]).AddAdditionalTexts([a, b]).RunGenerators(compilation);
        driver = driver.ReplaceAdditionalText(b, changed).RunGenerators(compilation);
        Assert.That(OutputReasons(driver), Is.EquivalentTo(new[] { IncrementalStepRunReason.Cached, IncrementalStepRunReason.Modified }));
        Assert.That(driver.GetRunResult().GeneratedTrees.Select(tree => tree.ToString()), Has.Some.Contains("<c>worst</c>"));
    }

    private static IEnumerable<IncrementalStepRunReason> Reasons(GeneratorDriver driver, string step) =>
        [.. driver.GetRunResult().Results.Single().TrackedSteps[step].SelectMany(run => run.Outputs).Select(output => output.Reason)];

    private static IEnumerable<IncrementalStepRunReason> OutputReasons(GeneratorDriver driver) =>
        [.. driver.GetRunResult().Results.Single().TrackedOutputSteps.SelectMany(step => step.Value).SelectMany(run => run.Outputs).Select(output => output.Reason)];
}
