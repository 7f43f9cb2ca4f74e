using System.Collections.Immutable;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.Diagnostics;
using Microsoft.CodeAnalysis.Text;

namespace Lathe.Generators.Tests;

/// <summary>Runs the generator as the compiler does.</summary>
internal static class GeneratorRun
{
    private static readonly ImmutableArray<MetadataReference> References =
    [
        .. ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator)
            .Where(path => Path.GetFileName(path) is var name && (name.StartsWith("System", StringComparison.Ordinal) || name is "Lathe.Runtime.dll" or "netstandard.dll"))
            .Select(path => MetadataReference.CreateFromFile(path)),
    ];

    /// <summary>A driver over manifests, by path, with step tracking on.</summary>
    public static GeneratorDriver Driver(IEnumerable<(string Path, string Text)> files, string? access = null) => CSharpGeneratorDriver.Create(
        [new ModelGenerator().AsSourceGenerator()],
        files.Select(AdditionalText (file) => new TestText(file.Path, file.Text)),
        new CSharpParseOptions(LanguageVersion.CSharp12, DocumentationMode.Diagnose),
        new TestOptions(access),
        new GeneratorDriverOptions(IncrementalGeneratorOutputKind.None, trackIncrementalGeneratorSteps: true));

    /// <summary>What one manifest gives.</summary>
    public static GeneratorDriverRunResult Run(string text, string? access = null) => Driver([("/p/X.lathe.json", text)], access).RunGenerators(Compilation("")).GetRunResult();

    /// <summary>A library of one file, with the module class that the generated class refers to, which the kernel assembly has.</summary>
    public static CSharpCompilation Compilation(string source, params string[] modules)
    {
        CSharpParseOptions options = new(LanguageVersion.CSharp12, DocumentationMode.Diagnose);
        return CSharpCompilation.Create(
            "Consumer",
            [CSharpSyntaxTree.ParseText(source, options), .. modules.Select(module => CSharpSyntaxTree.ParseText(ModuleSource(module), options))],
            References,
            new CSharpCompilationOptions(OutputKind.DynamicallyLinkedLibrary, checkOverflow: true, generalDiagnosticOption: ReportDiagnostic.Error, nullableContextOptions: NullableContextOptions.Enable));
    }

    private static string ModuleSource(string module)
    {
        int dot = module.LastIndexOf('.');
        string type = $$"""
            internal sealed class {{module[(dot + 1)..]}} : global::Lathe.Runtime.CompiledModule
            {
                public override int Version => 1;
                public override global::System.IO.Stream OpenPlan() => global::System.IO.Stream.Null;
                public override global::System.IO.Stream? OpenWeights() => null;
                public override string? WeightsFile => null;
                public override nint GetFunction(int index) => 0;
            }
            """;
        return dot < 0 ? type : $"namespace {module[..dot]} {{ {type} }}";
    }

    internal sealed class TestText(string path, string text) : AdditionalText
    {
        public override string Path => path;

        public override SourceText GetText(CancellationToken cancellationToken = default) => SourceText.From(text);
    }

    private sealed class TestOptions(string? access) : AnalyzerConfigOptionsProvider
    {
        public override AnalyzerConfigOptions GlobalOptions => new One(null);

        public override AnalyzerConfigOptions GetOptions(SyntaxTree tree) => GlobalOptions;

        public override AnalyzerConfigOptions GetOptions(AdditionalText textFile) => new One(access);
    }

    private sealed class One(string? access) : AnalyzerConfigOptions
    {
        public override bool TryGetValue(string key, out string value)
        {
            value = access ?? "";
            return access is not null && key == ModelGenerator.AccessMetadata;
        }
    }
}
