using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Runtime.CompilerServices;
using Lathe.Runtime.Plans;

namespace Lathe.Runtime.Execution;

/// <summary>
/// Has kernels compiled by the JIT on other processors from the moment a model is loaded: those that steps of its plan run, of the chosen instruction set. The plan's last
/// come first, since the first inference compiles what it meets: the two work towards each other, and where they meet, the JIT lets one wait for the other. What cannot
/// be compiled is left to the inference that needs it, which reports it.
/// </summary>
internal sealed class KernelPreparation
{
    private const int MostThreads = 3;

    private readonly ModelCode _code;
    private readonly Thread[] _threads;
    private IReadOnlyList<MethodInfo> _methods = [];
    private int _rest;
    private int _compiled;
    private volatile int _started = 1;
    private volatile bool _isStopped;

    private KernelPreparation(ModelCode code, int threads)
    {
        _code = code;
        _threads = new Thread[threads];
        for (int i = 0; i < threads; i++) _threads[i] = new Thread(i == 0 ? First : Compile) { IsBackground = true, Name = "Lathe JIT" };
    }

    /// <summary>How many methods were compiled so far.</summary>
    public int Compiled => _compiled;

    /// <summary>Starts; null where there is no JIT, no other processor, or nothing to compile.</summary>
    /// <param name="code">The kernels.</param>
    /// <param name="processors">How many processors the process may use.</param>
    public static KernelPreparation? Start(ModelCode code, int processors)
    {
        if (!RuntimeFeature.IsDynamicCodeCompiled || processors < 2 || code.IsAllNative) return null;
        KernelPreparation preparation = new(code, Math.Min(processors - 1, MostThreads));
        return TryStart(preparation._threads[0]) ? preparation : null;
    }

    /// <summary>The methods of the kernels that steps of the plan run, and those that these are divided into, in the order in which they were emitted.</summary>
    [UnconditionalSuppressMessage("Trimming", "IL2075", Justification = "Where methods are trimmed away, there is less to prepare.")]
    public static IReadOnlyList<MethodInfo> MethodsOf(ModelCode code)
    {
        HashSet<string> names = [];
        List<Type> types = [];
        Collect(code, code.Plan.Steps, names, types);
        List<MethodInfo> methods = [];
        foreach (Type type in types)
        {
            foreach (MethodInfo method in type.GetMethods(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly))
            {
                int part = method.Name.LastIndexOf("_Part", StringComparison.Ordinal);
                if (names.Contains(method.Name) || (part > 0 && names.Contains(method.Name[..part]))) methods.Add(method);
            }
        }

        return methods;
    }

    /// <summary>Begins no further kernel. Returns at once; one that is being compiled is finished, and its code stays loaded until then.</summary>
    public void Stop() => _isStopped = true;

    /// <summary>Waits until all is done.</summary>
    public void Wait()
    {
        // The first starts the others.
        _threads[0].Join();
        for (int i = 1; i < _started; i++) _threads[i].Join();
    }

    private static void Collect(ModelCode code, IReadOnlyList<PlanStep> steps, HashSet<string> names, List<Type> types)
    {
        foreach (PlanStep step in steps)
        {
            switch (step)
            {
                case KernelStep { Device: 0 } kernel when !code.IsNative(kernel.Kernel):
                    names.Add(code.Plan.Kernels[kernel.Kernel].Name);
                    if (code.TypeOf(kernel.Kernel) is { } type && !types.Contains(type)) types.Add(type);
                    break;
                case IfStep branch:
                    Collect(code, branch.Then, names, types);
                    Collect(code, branch.Else, names, types);
                    break;
                case LoopStep loop:
                    Collect(code, loop.Body, names, types);
                    break;
            }
        }
    }

    /// <summary>False where the system has no further thread: then there is one fewer.</summary>
    private static bool TryStart(Thread thread)
    {
        try
        {
            thread.UnsafeStart();
            return true;
        }
        catch (Exception failure) when (failure is ThreadStartException or OutOfMemoryException)
        {
            return false;
        }
    }

    private void First()
    {
        try
        {
            _methods = MethodsOf(_code);
        }
        catch (Exception)
        {
            // A module that cannot say what it has will fail where its kernels are needed, with the node's name.
            return;
        }

        _rest = _methods.Count;
        for (int i = 1; i < _threads.Length && TryStart(_threads[i]); i++) _started = i + 1;
        Compile();
    }

    private void Compile()
    {
        while (!_isStopped && Interlocked.Decrement(ref _rest) is >= 0 and int i)
        {
            try
            {
                RuntimeHelpers.PrepareMethod(_methods[i].MethodHandle);
                Interlocked.Increment(ref _compiled);
            }
            catch (Exception)
            {
                // Whoever calls the method gets the exception, and says which node it is about.
            }
        }
    }
}
