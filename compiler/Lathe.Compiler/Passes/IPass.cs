namespace Lathe.Compiler.Passes;

/// <summary>A step from a graph to an equivalent graph. Pure: what it reads beside the graph comes with the context.</summary>
public interface IPass
{
    /// <summary>The name for <c>--dump-after</c> and messages: the class's name.</summary>
    string Name => GetType().Name;

    /// <summary>Runs the pass.</summary>
    /// <exception cref="Diagnostics.DiagnosticException">The model or an option does not allow it.</exception>
    Graph.Graph Run(Graph.Graph graph, PassContext context);
}
