using System.Collections.Immutable;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;
using Microsoft.CodeAnalysis.Operations;

namespace Lathe.Generators.Analyzers;

/// <summary>
/// LATHE0912: an array whose length the source tells is copied (<c>CopyTo</c>, <c>TryCopyTo</c>) into an input whose length the typed class
/// tells, and they differ.
/// </summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class InputLengthAnalyzer : DiagnosticAnalyzer
{
    /// <inheritdoc/>
    public override ImmutableArray<DiagnosticDescriptor> SupportedDiagnostics => ImmutableArray.Create(Descriptors.WrongLength);

    /// <inheritdoc/>
    public override void Initialize(AnalysisContext context)
    {
        context.ConfigureGeneratedCodeAnalysis(GeneratedCodeAnalysisFlags.None);
        context.EnableConcurrentExecution();
        context.RegisterCompilationStartAction(static start =>
        {
            if (KnownTypes.Find(start.Compilation) is { } types)
                start.RegisterOperationAction(operation => Analyze(operation, types), OperationKind.Invocation);
        });
    }

    private static void Analyze(OperationAnalysisContext context, KnownTypes types)
    {
        IInvocationOperation call = (IInvocationOperation)context.Operation;
        if (call.TargetMethod.Name is not ("CopyTo" or "TryCopyTo")) return;
        IOperation? source = call.Instance ?? call.Arguments.FirstOrDefault()?.Value;
        if (call.Arguments.LastOrDefault()?.Value is not IPropertyReferenceOperation { Property: { IsIndexer: false } property }) return;
        if (!types.IsRequest(property.ContainingType) || LengthOf(property) is not { } expected) return;
        if (LengthOf(source, context.CancellationToken) is { } length && length != expected)
            context.ReportDiagnostic(Diagnostic.Create(Descriptors.WrongLength, call.Syntax.GetLocation(), length, property.Name, expected));
    }

    /// <summary>The constant that the typed class has for a property of its request.</summary>
    private static int? LengthOf(IPropertySymbol property) =>
        property.ContainingType.ContainingType?.GetMembers(property.Name + "Length").OfType<IFieldSymbol>().FirstOrDefault()?.ConstantValue as int?;

    private static int? LengthOf(IOperation? value, CancellationToken cancellation) => value switch
    {
        IConversionOperation conversion => LengthOf(conversion.Operand, cancellation),
        IArrayCreationOperation { DimensionSizes.Length: 1 } array => array.DimensionSizes[0].ConstantValue.Value as int?,
        IInvocationOperation { TargetMethod.Name: "AsSpan", Arguments.Length: 1 } call => LengthOf(call.Arguments[0].Value, cancellation),
        ILocalReferenceOperation local => LengthOf(local, cancellation),
        _ => null,
    };

    /// <summary>The length of a local that is assigned only where it is declared.</summary>
    private static int? LengthOf(ILocalReferenceOperation reference, CancellationToken cancellation)
    {
        IOperation root = reference;
        while (root.Parent is not null) root = root.Parent;
        foreach (IOperation operation in root.Descendants())
        {
            if (operation is IAssignmentOperation { Target: ILocalReferenceOperation target } && Same(target.Local, reference.Local)) return null;
            if (operation is IArgumentOperation { Parameter.RefKind: not RefKind.None, Value: ILocalReferenceOperation argument } && Same(argument.Local, reference.Local)) return null;
        }

        IVariableDeclaratorOperation? declarator = root.Descendants().OfType<IVariableDeclaratorOperation>().FirstOrDefault(one => Same(one.Symbol, reference.Local));
        cancellation.ThrowIfCancellationRequested();
        return declarator?.GetVariableInitializer()?.Value is { } value and not ILocalReferenceOperation ? LengthOf(value, cancellation) : null;
    }

    private static bool Same(ILocalSymbol a, ILocalSymbol b) => SymbolEqualityComparer.Default.Equals(a, b);
}
