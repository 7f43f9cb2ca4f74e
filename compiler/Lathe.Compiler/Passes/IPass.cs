namespace Lathe.Compiler.Passes;

/// <summary>A step from a graph to an equivalent graph. Pure: what it reads beside the graph comes with the context.</summary>
public interface IPass
{
    /// <summary>The name for <c>--dump-after</c> and messages: the class's name.</summary>
    string Name => GetType().Name;

    /// <summary>False for a pass that is about the model's own inputs, and so has no business in the bodies of control flow.</summary>
    bool RunsInBodies => true;

    /// <summary>Runs the pass.</summary>
    /// <exception cref="Diagnostics.DiagnosticException">The model or an option does not allow it.</exception>
    Graph.Graph Run(Graph.Graph graph, PassContext context);
}
