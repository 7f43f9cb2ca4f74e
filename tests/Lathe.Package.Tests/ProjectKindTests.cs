using System.Runtime.Intrinsics.X86;

namespace Lathe.Package.Tests;

/// <summary>Projects of every kind that a model may be part of.</summary>
public sealed class ProjectKindTests
{
    private const string Item = """<OnnxModel Include="sum.onnx" Class="MyApp.Sum" />""";

    private const string Adds = """
        using var model = MyApp.Sum.Load();
        using var request = model.CreateRequest();
        request.Data.Fill(2);
        request.Infer();
        Console.WriteLine(request.SumTensor[0]);
        """;

    [Test]
    public void StrictProject_BuildsAndRuns()
    {
        Consumer app = Sum("strict").Project(
                Item,
                """
                <TreatWarningsAsErrors>true</TreatWarningsAsErrors>
                <CheckForOverflowUnderflow>true</CheckForOverflowUnderflow>
                <AnalysisLevel>latest-all</AnalysisLevel>
                <EnforceCodeStyleInBuild>true</EnforceCodeStyleInBuild>
                <GenerateDocumentationFile>true</GenerateDocumentationFile>
                """)
            .Write("Program.cs", Adds);
        app.Build();
        Assert.That(app.Run(), Is.EqualTo("16"));
    }

    [Test]
    [Platform("Linux", Reason = "the library is one for Linux")]
    public void LibraryOfNativeKernels_LiesBesideTheApplication_WhereverThatIs()
    {
        if (!(Avx2.IsSupported && Fma.IsSupported)) Assert.Ignore("this machine runs no native kernels");
        string item = Item.Replace(" />", " Kernels=\"native\" NativeCode=\"library\" />", StringComparison.Ordinal);
        Consumer app = Sum("native library").Project(item).Write("Program.cs", Adds + "Console.WriteLine(request.Ran.Kernels[\"native\"]);");
        string library = app["bin/Debug/net10.0/MyApp.Sum.Lathe.so"];
        BuildResult first = app.TryBuild();
        if (first.Output.Contains("LATHE0301", StringComparison.Ordinal)) Assert.Ignore("libLLVM is not installed");
        Assert.That(first.Compiled, Has.Count.EqualTo(1), first.Output);
        Assert.That(first.Problems, Is.Empty, first.Output);
        Assert.That(File.Exists(library), "the library is beside the application");
        Assert.That(app.Run(), Is.EqualTo($"16{Environment.NewLine}1"));
        Assert.That(app.Build().Compiled, Is.Empty);

        // What there is no more of is not asked for, though the file of the last build is still there.
        app.Project(item.Replace("library", "embedded", StringComparison.Ordinal));
        Assert.That(app.Build().Compiled, Has.Count.EqualTo(1));
        File.Delete(library);
        Assert.That(app.Run(), Is.EqualTo($"16{Environment.NewLine}1"));
    }

    [Test]
    public void FSharpProject_UsesTheModelByName()
    {
        // A machine without ICU knows no locales, and the SDK warns of those that FSharp.Core has resources for.
        Consumer app = Sum("fsharp").Project("""<Compile Include="Program.fs" />""" + Item, "<NoWarn>$(NoWarn);NETSDK1188</NoWarn>", name: "App.fsproj")
            .Write("Program.fs", """
                open Lathe.Runtime

                let model = CompiledModel.Create(new MyApp.Sum_Module())
                let request = model.CreateRequest()
                request.Input<single>("data").Fill(2.0f)
                request.Infer()
                printfn "%g" (request.Output<single>("sum").ToArray()[0])
                """);
        app.Build();
        Assert.That(app.Run(), Is.EqualTo("16"));
    }

    [Test]
    public void MultiTargetedProject_CompilesOnce()
    {
        Consumer app = Sum("frameworks").Project(Item, frameworks: "net8.0;net9.0;net10.0").Write("Program.cs", Adds);
        Assert.That(app.Build("-m:3").Compiled, Has.Count.EqualTo(1));
        foreach (string framework in (string[])["net8.0", "net9.0", "net10.0"])
            Assert.That(File.Exists(app[$"bin/Debug/{framework}/MyApp.Sum.Lathe.dll"]), framework);
        Assert.That(app.Run(), Is.EqualTo("16"));
        Assert.That(app.Build("-m:3", "-c", "Release").Compiled, Is.Empty, "another configuration has the same kernels");
    }

    [Test]
    public void LibraryWithModels_ServesAnApplication()
    {
        Consumer app = new("library");
        TinyModel.Write(app["models/sum.onnx"], "sum", 8);
        TinyModel.Write(app["models/big.onnx"], "big", 600);
        app.Project(
                """<OnnxModel Include="../models/*.onnx" Access="internal" />""",
                "<OutputType>Library</OutputType><RootNamespace>Models</RootNamespace>",
                name: "lib/Models.csproj")
            .Write("lib/Sums.cs", """
                namespace Models;

                public static class Sums
                {
                    public static float Of(int count)
                    {
                        using var model = count == 8 ? null : Big.Load();
                        using Sum? small = count == 8 ? Sum.Load() : null;
                        using Lathe.Runtime.InferRequest request = model is null ? small!.CreateRequest() : model.CreateRequest();
                        request.Input<float>(0).Fill(1);
                        request.Infer();
                        return request.Output<float>(0)[0];
                    }
                }
                """)
            .Write("app/App.csproj", """
                <Project Sdk="Microsoft.NET.Sdk">
                  <PropertyGroup><OutputType>Exe</OutputType><TargetFramework>net10.0</TargetFramework></PropertyGroup>
                  <ItemGroup><ProjectReference Include="../lib/Models.csproj" /></ItemGroup>
                </Project>
                """)
            .Write("app/Program.cs", "System.Console.WriteLine($\"{Models.Sums.Of(8)} {Models.Sums.Of(600)}\");");
        Assert.That(app.Build("app/App.csproj").Compiled, Is.EquivalentTo(new[] { "../models/sum.onnx -> Models.Sum", "../models/big.onnx -> Models.Big" }));
        Assert.That(File.Exists(app["app/bin/Debug/net10.0/Models.Big.Lathe.weights"]), "the weights are a file of their own");
        Assert.That(app.Run("app/bin/Debug/net10.0/App.dll"), Is.EqualTo("8 600"));

        app.Build("app/App.csproj", "-p:LatheEmbedWeights=true", "-p:OutDir=embedded/");
        Assert.That(File.Exists(app["app/embedded/Models.Big.Lathe.weights"]), Is.False);
        Assert.That(app.Run("app/embedded/App.dll"), Is.EqualTo("8 600"));
    }

    [Test]
    public void EmittedSource_IsWritten()
    {
        Consumer app = Sum("source").Project("""<OnnxModel Include="sum.onnx" />""").Write("Program.cs", "Console.WriteLine(App.Sum.DataLength);");
        app.Build("-p:LatheEmitSource=generated", "-p:LatheDebugKernels=true");
        app.Build("-p:LatheEmitSource=generated", "-p:LatheDebugKernels=true");
        Assert.That(app.Run(), Is.EqualTo("8"));
        Assert.That(Directory.GetFiles(app["generated/App.Sum"], "*.cs"), Is.Not.Empty);
    }

    private static Consumer Sum(string name)
    {
        Consumer app = new(name);
        TinyModel.Write(app["sum.onnx"], "sum", 8);
        return app;
    }
}
