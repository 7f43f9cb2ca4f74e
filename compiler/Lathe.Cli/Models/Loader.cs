using Lathe.Cli.Arguments;
using Lathe.Cli.Output;
using Lathe.Compiler.Diagnostics;
using Lathe.Runtime;

namespace Lathe.Cli.Models;

/// <summary>Loads compiled models, and says of what the runtime throws which file it is about.</summary>
internal static class Loader
{
    /// <summary>Loads a model and writes the runtime's warnings.</summary>
    /// <exception cref="FailedException">It cannot be loaded.</exception>
    public static CompiledModel Load(ModelRequest request, CompiledFile compiled, Terminal terminal) => About(request.Path, () =>
    {
        CompiledModel model = CompiledModel.Load(compiled.Path, new LatheOptions { Threads = request.Threads, FlushDenormals = request.FlushDenormals, RequireDevice = request.RequireDevice ? true : null });
        Warn(request, model.Info.Warnings, [], terminal);
        return model;
    });

    /// <summary>Writes the runtime's warnings that are new: devices may fail while a model runs.</summary>
    public static void Warn(ModelRequest request, IEnumerable<string> warnings, IEnumerable<string> known, Terminal terminal)
    {
        foreach (string warning in warnings.Except(known)) terminal.Report(request.Path, new Diagnostic(DiagnosticTable.RuntimeWarning, null, warning));
    }

    /// <summary>Does something with a model; what fails is reported as being about its file.</summary>
    /// <exception cref="FailedException">The runtime or a tensor's file failed.</exception>
    public static T About<T>(string path, Func<T> work)
    {
        try
        {
            return work();
        }
        catch (LatheException failure)
        {
            throw new FailedException(path, [Diagnostics.Of(failure)]);
        }
        catch (DiagnosticException failure)
        {
            throw new FailedException(path, [failure.Diagnostic]);
        }
    }
}
