using System.Collections.Immutable;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;
using Microsoft.CodeAnalysis.Operations;

namespace Lathe.Generators.Analyzers;

/// <summary>
/// LATHE0913: a request is captured by a lambda that runs several times at once: one of <c>Parallel</c>, or one that is given to a thread, a task
/// or the pool in a loop that the request is declared outside of, without being awaited there.
/// </summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class SharedRequestAnalyzer : DiagnosticAnalyzer
{
    /// <inheritdoc/>
    public override ImmutableArray<DiagnosticDescriptor> SupportedDiagnostics => ImmutableArray.Create(Descriptors.SharedRequest);

    /// <inheritdoc/>
    public override void Initialize(AnalysisContext context)
    {
        context.ConfigureGeneratedCodeAnalysis(GeneratedCodeAnalysisFlags.None);
        context.EnableConcurrentExecution();
        context.RegisterCompilationStartAction(static start =>
        {
            if (KnownTypes.Find(start.Compilation) is { } types)
                start.RegisterOperationAction(operation => Analyze(operation, types), OperationKind.AnonymousFunction);
        });
    }

    private static void Analyze(OperationAnalysisContext context, KnownTypes types)
    {
        IAnonymousFunctionOperation lambda = (IAnonymousFunctionOperation)context.Operation;
        IOperation? consumer = ConsumerOf(lambda);
        bool parallel = consumer is IInvocationOperation call && IsParallel(call.TargetMethod);
        IOperation? loop = parallel || consumer is null ? null : LoopAround(consumer);
        if (!parallel && (loop is null || !StartsThread(consumer))) return;
        HashSet<ISymbol> reported = new(SymbolEqualityComparer.Default);
        foreach (IOperation operation in lambda.Body.Descendants())
        {
            if (!types.IsRequest(operation.Type) || Captured(operation) is not { } symbol) continue;
            IOperation outside = parallel ? lambda : loop!;
            if (IsDeclaredIn(symbol, outside) || !reported.Add(symbol)) continue;
            context.ReportDiagnostic(Diagnostic.Create(Descriptors.SharedRequest, operation.Syntax.GetLocation(), symbol.Name));
        }
    }

    /// <summary>The call or constructor that the lambda is an argument of.</summary>
    private static IOperation? ConsumerOf(IAnonymousFunctionOperation lambda)
    {
        IOperation? parent = lambda.Parent;
        while (parent is IDelegateCreationOperation or IConversionOperation or IArgumentOperation or IArrayInitializerOperation or IArrayCreationOperation)
            parent = parent.Parent;
        return parent is IInvocationOperation or IObjectCreationOperation ? parent : null;
    }

    private static bool IsParallel(IMethodSymbol method) => Is(method.ContainingType, "System.Threading.Tasks", "Parallel")
        || (Is(method.ContainingType, "System.Linq", "ParallelEnumerable") && method.Name is "ForAll" or "Select");

    private static bool StartsThread(IOperation? consumer) => consumer switch
    {
        IInvocationOperation { Parent: IAwaitOperation } => false,
        IInvocationOperation { TargetMethod: var method } => method.Name switch
        {
            "Run" => Is(method.ContainingType, "System.Threading.Tasks", "Task"),
            "StartNew" => Is(method.ContainingType, "System.Threading.Tasks", "TaskFactory"),
            "QueueUserWorkItem" or "UnsafeQueueUserWorkItem" => Is(method.ContainingType, "System.Threading", "ThreadPool"),
            _ => false,
        },
        IObjectCreationOperation { Type: INamedTypeSymbol type } => Is(type, "System.Threading", "Thread"),
        _ => false,
    };

    private static bool Is(INamedTypeSymbol type, string space, string name) => type.Name == name && type.ContainingNamespace.ToDisplayString() == space;

    private static IOperation? LoopAround(IOperation operation)
    {
        for (IOperation? parent = operation.Parent; parent is not null; parent = parent.Parent)
            if (parent is ILoopOperation) return parent;
        return null;
    }

    private static ISymbol? Captured(IOperation operation) => operation switch
    {
        ILocalReferenceOperation local => local.Local,
        IParameterReferenceOperation parameter => parameter.Parameter,
        IFieldReferenceOperation { Instance: null or IInstanceReferenceOperation } field => field.Field,
        _ => null,
    };

    private static bool IsDeclaredIn(ISymbol symbol, IOperation operation) => symbol.DeclaringSyntaxReferences.Any(
        reference => reference.SyntaxTree == operation.Syntax.SyntaxTree && operation.Syntax.Span.Contains(reference.Span));
}
