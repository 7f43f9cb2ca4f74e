using System.Collections.Immutable;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;
using Microsoft.CodeAnalysis.Operations;

namespace Lathe.Generators.Analyzers;

/// <summary>
/// LATHE0911: a local is initialised by <c>CreateRequest</c> or <c>Rent</c> without <c>using</c>, and all that its method does with it is to use
/// its members other than <c>Dispose</c>. A local that is returned, stored, passed on or disposed is somebody's care.
/// </summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class UndisposedRequestAnalyzer : DiagnosticAnalyzer
{
    /// <inheritdoc/>
    public override ImmutableArray<DiagnosticDescriptor> SupportedDiagnostics => ImmutableArray.Create(Descriptors.UndisposedRequest);

    /// <inheritdoc/>
    public override void Initialize(AnalysisContext context)
    {
        context.ConfigureGeneratedCodeAnalysis(GeneratedCodeAnalysisFlags.None);
        context.EnableConcurrentExecution();
        context.RegisterCompilationStartAction(static start =>
        {
            if (KnownTypes.Find(start.Compilation) is { } types)
                start.RegisterOperationBlockAction(block => Analyze(block, types));
        });
    }

    private static void Analyze(OperationBlockAnalysisContext context, KnownTypes types)
    {
        Dictionary<ILocalSymbol, IVariableDeclaratorOperation> suspects = new(SymbolEqualityComparer.Default);
        IOperation[] operations = [.. context.OperationBlocks.SelectMany(block => block.DescendantsAndSelf())];
        foreach (IVariableDeclaratorOperation declarator in operations.OfType<IVariableDeclaratorOperation>())
            if (types.IsRequest(declarator.Symbol.Type) && IsCreated(declarator) && !IsUsing(declarator)) suspects.Add(declarator.Symbol, declarator);
        foreach (ILocalReferenceOperation reference in operations.OfType<ILocalReferenceOperation>())
            if (!IsPlainUse(reference)) suspects.Remove(reference.Local);
        foreach (IVariableDeclaratorOperation declarator in suspects.Values)
            context.ReportDiagnostic(Diagnostic.Create(Descriptors.UndisposedRequest, declarator.Symbol.Locations[0], declarator.Symbol.Name));
    }

    private static bool IsCreated(IVariableDeclaratorOperation declarator) =>
        Unconverted(declarator.GetVariableInitializer()?.Value) is IInvocationOperation { TargetMethod.Name: "CreateRequest" or "Rent" };

    private static bool IsUsing(IVariableDeclaratorOperation declarator)
    {
        for (IOperation? parent = declarator.Parent; parent is not null and not IBlockOperation; parent = parent.Parent)
            if (parent is IUsingDeclarationOperation or IUsingOperation) return true;
        return false;
    }

    /// <summary>True for the use of a member; false for Dispose and for all that lets the request out of sight.</summary>
    private static bool IsPlainUse(ILocalReferenceOperation reference) => reference.Parent switch
    {
        IInvocationOperation call => call.Instance == reference && call.TargetMethod.Name is not ("Dispose" or "DisposeAsync"),
        IPropertyReferenceOperation property => property.Instance == reference,
        _ => false,
    };

    private static IOperation? Unconverted(IOperation? value) => value is IConversionOperation conversion ? Unconverted(conversion.Operand) : value;
}
