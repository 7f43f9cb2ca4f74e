namespace Lathe.Compiler;

/// <summary>Where the native kernels of a model are.</summary>
public enum NativeCodeForm
{
    /// <summary>In the kernel assembly, and mapped from there when the model is loaded.</summary>
    Embedded,

    /// <summary>In an object file too, which a program of NativeAOT is linked with: where it is, nothing is mapped.</summary>
    Object,

    /// <summary>In a shared library beside the kernel assembly, with the names of kernels for debuggers and profilers.</summary>
    Library,
}
